DROP TABLE mailglass_deliveries;
