"""What the suite is compared with: a project of its own, as somebody writes it who follows the tutorial of Channels."""
