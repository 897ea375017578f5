SELECT
    :deliveries
FROM inserted
