"""Boards for tests of real servers, made in a process of their own: `server.run(NEW_BOARDS.format(wanted=[...]))`."""

NEW_BOARDS = """
from drawing import services
from django.contrib.auth.models import User
from realtime.limits import unlimited
ann, bob = User.objects.get(username="ann"), User.objects.get(username="bob")
with unlimited():
    for title, access in {wanted!r}:
        board = services.create_board(ann, title, access)
        services.share_board(ann, board.pk, bob, "editor")
        print(board.slug, board.pk)
"""
