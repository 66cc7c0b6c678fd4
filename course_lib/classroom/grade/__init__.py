"""Grade a class of strangers: their code runs in a sandbox, the judgement outside it."""
