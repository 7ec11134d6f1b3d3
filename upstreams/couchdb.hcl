upstream "couchdb" {
  language = 1
  doc      = "A session of Apache CouchDB. The name and the password of a user are exchanged for a session cookie, which is the token."
  source   = "https://docs.couchdb.org/en/stable/api/server/authn.html#cookie-authentication"

  attribute "username" {
    type = string
    doc  = "The name of the user."
  }
  attribute "password" {
    type      = string
    sensitive = true
    doc       = "The password of the user."
  }
  attribute "session_timeout" {
    type    = string
    default = "10m"
    effect  = "token"
    doc     = "How long the server keeps a session, as `timeout` in its section `[chttpd_auth]` says, in seconds there. The answer does not say it."

    validation {
      condition     = can(regex("^[0-9]+[smhd]$", self.session_timeout))
      error_message = "The timeout must be a duration such as \"10m\"."
    }
  }

  login {
    request {
      method = "POST"
      path   = "/_session"
      form   = { name = self.username, password = self.password }
    }
    success      = response.status == 200 && response.body.ok
    access_token = response.cookies.AuthSession
    lifetime     = self.session_timeout
    outputs = {
      roles = response.body.roles
    }
  }

  # A session that CouchDB does not know is no error there: the answer is then about
  # nobody, with the name null.
  verify {
    request {
      path   = "/_session"
      header = { Cookie = "AuthSession=${token.access_token}" }
    }
    success = response.status == 200 && response.body.userCtx.name == self.username
  }

  error "credentials" {
    on      = ["login"]
    when    = response.status == 401
    class   = "credentials"
    message = response.body.reason
    advice  = "Check the username and the password. A user is a document of the database _users, or an administrator in the server's configuration."
  }
  error "nobody" {
    on    = ["verify"]
    when  = response.status == 401 || response.status == 200 && response.body.userCtx.name == null
    class = "credentials"
  }

  output "roles" {
    type      = list(string)
    sensitive = false
    doc       = "The roles of the user, such as `_admin`."
  }
}
