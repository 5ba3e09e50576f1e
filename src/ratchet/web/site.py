"""The pages that read what the API reads. To add one: its router here, a line in NAVIGATION of html.py."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from ratchet.web import alert_page, ask, channel_pages, documents_page, jobs_page, overview_page
from ratchet.web.html import Pages
from ratchet.web.services import Services
from ratchet.web.toil import Toil


def page_routers(services: Services, pages: Pages) -> Sequence[APIRouter]:
    toil = Toil(services)
    return (
        overview_page.router(services, pages, toil),
        alert_page.router(services, pages, toil),
        channel_pages.router(services, pages, toil),
        jobs_page.router(services, pages),
        documents_page.router(services, pages),
        ask.router(services, pages),
    )
