SELECT delivery_id
FROM changed
