credsync { # ERROR: Invalid formerly; formerly has "payments", which is what the project is called now. Take it out.
  project  = "payments"
  formerly = ["shop", "payments"]
}
