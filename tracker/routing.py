"""What the tracker offers on the suite's socket."""

from tracker import consumers, events, sensors

feeds = [consumers.MapFeed(), consumers.WatchFeed()]

commands = {
    events.SetViewport: consumers.set_viewport,
    events.ReportIncident: consumers.report_incident,
    events.ChangeIncident: consumers.change_incident,
    events.DeleteIncident: consumers.delete_incident,
    events.SaveArea: consumers.save_area,
    events.DeleteArea: consumers.delete_area,
}

websocket_urlpatterns: list = []

# For `manage.py runworker`: channels of the layer, each message for one worker.
channels = {sensors.CHANNEL: sensors.SensorConsumer.as_asgi()}
