"""What the transforms need to know about text: sentences, structure, content. Rules, no models."""
