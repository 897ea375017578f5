SELECT set_config(E'search\x5fpath', 'other', false);
