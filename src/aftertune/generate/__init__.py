"""From items to responses: prompt formats, and one response per item and replicate."""
