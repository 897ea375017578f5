DROP TABLE mailglass_erasures;
