credsync {
  project  = "payments"
  formerly = ["shop", "pay", "shop"] # ERROR: Invalid value for an argument; The argument "formerly": "shop" is listed twice.
}
