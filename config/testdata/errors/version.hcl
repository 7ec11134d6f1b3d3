credsync {
  required_version = ">= 99.0" # ERROR: This configuration requires credsync >= 99.0, but this is version 0.3.0.
}

something from the future
