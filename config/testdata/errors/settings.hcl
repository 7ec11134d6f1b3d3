credsync {
  project  = "a/b" # ERROR: is not a valid project name
  schedule = "@sometimes" # ERROR: is not a cron schedule
}

credsync { # ERROR: There can be only one credsync block
}

state "vault" { # ERROR: A state block names a sink by its type and its name
}
