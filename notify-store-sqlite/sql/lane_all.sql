SELECT no, priority, channel FROM notify_lanes
