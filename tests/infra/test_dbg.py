from tests.infra.test_worker import *
from tests.infra import running_worker
@pytest.mark.parametrize("kind", ["503_html"])
def test_x(shop, kind):
    running_worker.WAIT_SECONDS_MAX=20
    try:
        test_an_upload_outlives_a_mercari_that_answers_with(shop, kind)
    except AssertionError:
        for l in shop.log()[:25]: print(l.time, l.operation,l.outcome,l.asin,l.error_code,l.detail)
        with psycopg.connect(shop.installation.settings.database_url) as c:
            for r in c.execute("select binding_id,effect,not_before,is_given_up,version from cell_1.effects where effect is not null"): print(r)
            for r in c.execute("select id,task_name,lock,queueing_lock,status,attempts,scheduled_at,worker_id from asin_sync_jobs.procrastinate_jobs"): print(r)
            for r in c.execute("select *,now() from asin_sync_jobs.procrastinate_workers"): print(r)
        raise
