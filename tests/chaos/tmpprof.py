import time, os, resource
from django.db import connections, connection
from orders.models import Order
from tests.chaos.forking import fork
def prof():
    connections.close_all()
    def q():
        t0=time.perf_counter(); c0=time.process_time(); connection.ensure_connection(); t1=time.perf_counter(); Order.objects.filter(pk=1).first(); t2=time.perf_counter()
        connections.close_all(); t3=time.perf_counter()
        r=resource.getrusage(resource.RUSAGE_SELF)
        return [round((b-a)*1000,1) for a,b in ((t0,t1),(t1,t2),(t2,t3))], round((time.process_time()-c0)*1000,1), r.ru_minflt, r.ru_maxrss
    out=[]
    for i in range(4):
        t=time.perf_counter(); c=fork(q); t1=time.perf_counter(); v=c.wait().value; out.append((round((t1-t)*1000,1), round((time.perf_counter()-t)*1000,1), v))
    return out
