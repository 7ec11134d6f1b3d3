variable "pin" {
  type      = number
  sensitive = true
  default   = 12345
}

# Where the value comes from does not matter: what is wanted is said, and the
# value is not.
account "bank" "a" {
  username = "u"
  password = "p"
  pin      = var.pin # ERROR: The argument "pin": must have four digits.
}

account "bank" "b" {
  username = "u"
  password = "p"
  pin      = 12345 # ERROR: The argument "pin": must have four digits.
}
