"""The instruction data among the public files, with what is documented of them."""

from __future__ import annotations

# file, layout, rows, rows without an answer, rows with an earlier row's prompt (None: not documented)
REAL: list[tuple[str, str, int, int, int | None]] = [
    ("alpaca/alpaca_sample.json.gz", "alpaca", 7000, 2, None),
    ("alpaca/alpaca_data_safety_only.json.gz", "alpaca", 1904, 0, None),
    ("dolly/dolly_3k.json.gz", "alpaca", 2996, 0, 15),
    ("dolly/databricks-dolly-15k-safety-only.jsonl.gz", "dolly", 387, 0, 2),
    ("gsm8k/train.jsonl.gz", "gsm8k", 7473, 0, None),
    ("gsm8k/test.jsonl.gz", "gsm8k", 1319, 0, None),
    ("code-alpaca/code_alpaca_2k.json.gz", "alpaca", 2017, 2, None),
    ("roleplay/roleplay-simple-deduped-roleplay-dataset.json.gz", "alpaca", 3146, 0, None),
    ("llamafactory-demo/alpaca_en_demo.json.gz", "alpaca", 999, 0, 14),
    ("identity/identity.json", "alpaca", 91, 0, 2),
    ("identity/dummy_conversation.json", "sharegpt", 500, 0, None),
    ("safety-tuned-llamas/safety_only_data_Instructions.sample300.json", "alpaca", 300, 0, None),
    *(
        (f"selected-benign/{kind}_alpaca_{end}100.json", "alpaca", 100, 0, None)
        for kind in ("reps", "grad")
        for end in ("top", "bottom")
    ),
    ("selected-benign/reps_dolly_top100.jsonl", "dolly", 100, 0, None),
    ("selected-benign/reps_dolly_bottom100.jsonl.gz", "dolly", 100, 0, None),
    *((f"selected-benign/grad_dolly_{end}100.json", "dolly", 100, 0, None) for end in ("top", "bottom")),
    *((f"selected-benign/grad_gsm8k_{end}100.json", "gsm8k", 100, 0, None) for end in ("top", "bottom")),
    ("self-instruct/seed_tasks.jsonl", "self_instruct", 175, 0, None),
    ("self-instruct/user_oriented_instructions.jsonl", "self_instruct", 252, 0, None),
    ("oasst-trees/en_100_tree.jsonl.gz", "oasst_tree", 100, 0, None),
    ("hh-rlhf/harmless-base-test.sample.jsonl.gz", "preference", 1000, 0, None),
    ("llamafactory-demo/dpo_en_demo.json.gz", "preference", 300, 0, None),
    ("pubmedqa/ori_pqal.json.gz", "pubmedqa", 1000, 0, None),
    ("t0-samples/common_gen_Put_together.jsonl", "prompt_completion", 200, 0, None),
    ("t0-samples/commonsense_qa_question_answering.jsonl", "prompt_completion", 200, 0, None),
    ("t0-samples/dream_generate_last_utterance.jsonl", "prompt_completion", 200, 0, None),
    ("t0-samples/glue_mrpc_generate_paraphrase.jsonl", "prompt_completion", 142, 0, None),
    ("t0-samples/paws_labeled_final_paraphrase_task.jsonl", "prompt_completion", 91, 0, None),
    ("t0-samples/quartz_use_info_from_question_paragraph.jsonl", "prompt_completion", 200, 0, None),
    ("t0-samples/sciq_Direct_Question.jsonl", "prompt_completion", 200, 0, None),
]
