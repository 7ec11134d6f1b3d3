credsync { # ERROR: formerly has "shop" twice. Take one of them out.
  project  = "payments"
  formerly = ["shop", "pay", "shop"]
}
