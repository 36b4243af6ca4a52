"""Pure rules: values in, values out; the time is an argument."""
