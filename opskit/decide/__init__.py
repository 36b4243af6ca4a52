"""Pure judgement: values in, values out. Time is an argument; nothing here can read, write or ask."""
