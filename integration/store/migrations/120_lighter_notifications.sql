-- Of a job's events only its start is asked for. One for each that is added or put off was a row, an index and a lock more for a notification.
do $$
declare found name;
begin
    for found in select tgname from pg_trigger where tgrelid = 'procrastinate_jobs'::regclass
        and tgname ~ '_(status_events_insert|scheduled_events)_'
    loop
        execute format('alter table procrastinate_jobs disable trigger %I', found);
    end loop;
end $$;
-- Most notifications have no number.
drop index notifications_numbers;
create index notifications_numbers on notifications using gin (event_numbers) where event_numbers <> '{}';
