from django.urls import path

from orders.views import buying, lists, page, verbs, writing

urlpatterns = [
    path("", lists.dashboard, name="dashboard"),
    path("approvals/", lists.approvals, name="approvals"),
    path("history/", lists.history, name="history"),
    path("buying/", buying.buying, name="buying"),
    path("buying/stop/", buying.stop, name="stop"),
    path("buying/<int:pk>/resume/", buying.resume, name="resume"),
    path("orders/", lists.order_list, name="orders"),
    path("orders/new/", writing.choose, name="choose"),
    path("orders/new/<str:product>/", writing.new, name="new"),
    path("orders/<int:number>/", page.order, name="order"),
    path("orders/<int:number>/versions/<int:revision>/", page.version, name="version"),
    path("orders/<int:number>/edit/", writing.edit, name="edit"),
    path("orders/<int:number>/request/", verbs.request_approval, name="request"),
    path("orders/<int:number>/discard/", verbs.discard, name="discard"),
    path("orders/<int:number>/withdraw/", verbs.withdraw, name="withdraw"),
    path("orders/<int:number>/retry/", verbs.retry, name="retry"),
    path("orders/<int:number>/approve/", verbs.approve, name="approve"),
    path("orders/<int:number>/reject/", verbs.reject, name="reject"),
    path("orders/<int:number>/request-changes/", verbs.request_changes, name="request-changes"),
    path("orders/<int:number>/attach/", verbs.attach, name="attach"),
    path("orders/<int:number>/declare-absent/", verbs.declare_absent, name="declare-absent"),
]
