"""The main job from beginning to end, in sandboxes on this machine."""
