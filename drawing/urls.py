from django.urls import path

from drawing.views import boards, ink, people

app_name = "drawing"

urlpatterns = [
    path("", boards.board_list, name="board_list"),
    path("new/", boards.board_create, name="board_create"),
    path("b/<str:slug>/", boards.board_detail, name="board_detail"),
    path("b/<str:slug>/edit/", boards.board_edit, name="board_edit"),
    path("b/<str:slug>/duplicate/", boards.board_duplicate, name="board_duplicate"),
    path("b/<str:slug>/delete/", boards.board_delete, name="board_delete"),
    path("b/<str:slug>/restore/", boards.board_restore, name="board_restore"),
    path("b/<str:slug>/leave/", boards.board_leave, name="board_leave"),
    path("b/<str:slug>/ink/", ink.board_ink, name="board_ink"),
    path("b/<str:slug>/history/", ink.board_history, name="board_history"),
    path("b/<str:slug>/thumbnail.png", ink.board_thumbnail, name="board_thumbnail"),
    path("b/<str:slug>/guest/", people.guest_join, name="guest_join"),
    path("b/<str:slug>/share/", people.board_share, name="board_share"),
    path("b/<str:slug>/share/access/", people.access_edit, name="access_edit"),
    path("b/<str:slug>/share/add/", people.person_add, name="person_add"),
    path("b/<str:slug>/share/<int:number>/role/", people.person_role, name="person_role"),
    path("b/<str:slug>/share/<int:number>/remove/", people.person_remove, name="person_remove"),
    path("b/<str:slug>/share/<int:number>/return/", people.person_return, name="person_return"),
    path("b/<str:slug>/share/<int:number>/revert/", people.person_revert, name="person_revert"),
]
