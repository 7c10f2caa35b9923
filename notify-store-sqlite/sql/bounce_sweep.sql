DELETE FROM notify_bounces WHERE over <= ?
