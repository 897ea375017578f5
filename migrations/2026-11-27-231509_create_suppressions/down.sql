DROP TABLE mailglass_suppressions;
