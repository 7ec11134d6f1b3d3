variable "called" {
  default = upper("x") # ERROR: The default of variable "called" must be a literal value: functions may not be called.
}

variable "nothing" {
  nullable = false
  default  = null # ERROR: The default of variable "nothing" is null, but the variable is not nullable.
}

variable "nothing_at_all" {
  default = null
}

variable "typed" {
  type    = lst(string) # ERROR: type
  default = []
}

variable "half" {
  default = "x"
  validation { # ERROR: A validation block needs both condition and error_message.
    condition = var.half != ""
  }
}

variable "other_half" {
  default = "x"
  validation { # ERROR: A validation block needs both condition and error_message.
    error_message = "No."
  }
}

variable "undecided" {
  default = "x"
  validation {
    condition     = var.undecided # ERROR: A validation's condition must be true or false.
    error_message = "No."
  }
}

variable "null_condition" {
  default = "x"
  validation {
    condition     = null # ERROR: A validation's condition must be true or false.
    error_message = "No."
  }
}

variable "true_as_text" {
  default = "true"
  validation {
    condition     = var.true_as_text
    error_message = "No."
  }
}
