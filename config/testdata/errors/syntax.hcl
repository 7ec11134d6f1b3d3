account "bank" "a" {
  username = "u"
  password = # ERROR: Invalid expression
}
