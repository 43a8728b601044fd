"""The bench makes records: it trains, evaluates and measures models. Only this room imports torch."""
