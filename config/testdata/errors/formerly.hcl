credsync {
  project  = "payments"
  formerly = ["shop", "payments"] # ERROR: Invalid credsync block; formerly: "payments" is the project's own name; list only its previous names.
}
