-- When a patient was last looked at changes with each look. With an index on that, each look rewrote all of the row's indexes, `resources` included;
-- who was not looked at for long is asked once an hour, and all are read for it.
drop index patients_assessed;
alter table patients set (fillfactor = 80);
