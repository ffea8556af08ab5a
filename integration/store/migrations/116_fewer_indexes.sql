-- Each write of a patient's gaps, lines and write-backs kept indexes that nothing asks any more, or that another one stands in for.
drop index gaps_open;                            -- a patient's gaps are found by the primary key
drop index write_backs_patient;                  -- only deleting a patient goes by it
drop index lines_worklist;                       -- what is listed stands in `worklist`
drop index lines_day;
-- Rows of these two are added in the order of time, and by time they are only deleted.
drop index audit_at;
create index audit_at on audit using brin (at);
drop index notifications_received;
create index notifications_received on notifications using brin (received_at);
