"""From records to facts, tables and figures: values without TeX in them, made without torch."""
