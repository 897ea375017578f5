ALTER TYPE paint ADD VALUE 'lime' AFTER 'dark_blue';
