# The private key of these tests was generated for them. It belongs to no app.

test "a login for everything" {
  upstream = "github_app"
  attributes = {
    app_id          = "Iv23made-up"
    installation_id = "4711"
    private_key     = <<-EOT
      -----BEGIN PRIVATE KEY-----
      MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDb718YDjDSLBoL
      x1VKnfbIwh7yfBgpQLWo0FdS3SHAGQtgXV2DMuHi3PkAOvX/uVdZpezUafkqesEo
      4BCxySKHb2v5QmUvpyyMCwkUsOYdyDtLT78zdScwgsRBfhG2U1wsEDyELgngr5SA
      f/eWQ/AZ3p0HYuZtSD8U4kQDeQJFDFdjeU6NaC2utu1OnW4cftOHs57zNeB81yQQ
      k/tXWDGTaVvC3tU5NHSc0TKIMvxM1a4zZzlNq5uPBTCTu8m+YPojk+QqsUXqhED5
      u5BJMTQo1k3++SwhGIMGk7u7FS5z8OXgtUFP9jEt121BVjBeXgruFNywNwyujTYg
      EvGkTXIrAgMBAAECggEAE5tW5GubcZkp50PpeCH19rbLkH18n+zbZQXRyxrYn+n7
      qCcap5AZMCLX9evLs3T/8weGQfeClYVlA/JZuqe+Msm9m/aN0745C/EN6bDNivkn
      RBMDbiBzEnGN8nK9PH5Y+Lqn0nbSPZwZho0h8tzyojPE1vw7o6FtsjxrqM2YZLRH
      IeJYZo5OV8LDL90WHxbaJNWv4k0W0R+xoRmhKQsC0HYmTDrsVggO8C/mQbIdSggh
      45JumsU2isY30V6qLDxxMFYdBPo67MLd/HvqB5SeeM61M2aHQjfXqX6Oo2UDDZ79
      WEYc2T9PCmIp1zTXNcpMd/V8U5TGYyc+UVqihhKD2QKBgQDzcYUMMuohFCpnfuR9
      Mvbj3Nr7yUDMb95hvFSVwMdrtHtrs6Xi/yABwSe1L4HecMRxCaar+ttvNmIWO0yK
      lS0S+qNgUwZRONP0zwFiyNTzqlQNWHWOfywxH2a/pboQ6wtSOEtK0utxsFmXDNyi
      FjlgnRcqp7RTPpLtXWZgfvfSQwKBgQDnR3EaVMPl0qbb4lUmGSOhEtpbyWh3AHCL
      FcZ+pNIFwcr15HKP/dB9c3Nmcq5QIhF2I1Gk0oaA3piEYN68oobOyRlK/HDsuEUy
      wngqw1mODaDyJdX8Bm8//TS8Bnk4R3RVZ4t/0Q3NdZh3sp2ZS8eWQkVB/ZiGTmiB
      vXCnHGTl+QKBgQCywPZK4M/d/iqs2BX6gIOdCTyaiUpVUwddiKYrV+SWh23gxYbX
      STI9V5FKj1my9eaogceqnIaoAKzBWkV3tNXmC7gPMKeA2FN6fM2ttX34dWdGbV/U
      hDj00PPnYU9gwNYNR1yx0nIjhrQiH8WaFuuGr5KlNYNJZLcKJ/zWeiSKdQKBgBmZ
      aMV3WG+Zz2pLNQ2QfscXZR//vRZe8BYVBPGDoNOOTb7F2IBjoa4hF0bhrrWj77bZ
      1fGec9DT0qHkbwMGIlHFJI2OP5mUE+S4bcCd+s2kaIok8fiBZdL5XdrqBITcM944
      JdKx+wsg1w14scUEBEV3dF8HiNhk2WBy7YMxu2FRAoGBAPD7vYT/9Whp5SBa2U4I
      tZ8JVKW/7q+PxgQuSjXrKjFRoSL41SrFGJghxMEfIW0F5Faj70OIEH6tm7oI70BT
      say7FQIbmvopZ6dtZiGkOklpgJ0wg2HGIBEVWlLQpg0DYSKekIi7ZhhSB++I8uP+
      Wq031cPY1aNk6krrpBFodXlS
      -----END PRIVATE KEY-----
    EOT
  }

  answer {
    status = 201
    json = {
      token                = "ghs_made-up-token-1"
      expires_at           = "2026-03-02T11:00:00Z"
      permissions          = { contents = "read", metadata = "read" }
      repository_selection = "all"
    }
  }
  expect {
    access_token = "ghs_made-up-token-1"
    expires_at   = "2026-03-02T11:00:00Z"
    outputs      = { repository_selection = "all" }
    request = {
      method = "POST"
      path   = "/app/installations/4711/access_tokens"
      query  = {}
      header = {
        Accept               = "application/vnd.github+json"
        X-GitHub-Api-Version = "2022-11-28"
      }
      json = {}
    }
  }
}

test "a login for one repository" {
  upstream = "github_app"
  attributes = {
    app_id          = "Iv23made-up"
    installation_id = "4711"
    permissions     = { contents = "read" }
    repositories    = ["hello-world"]
    private_key     = <<-EOT
      -----BEGIN PRIVATE KEY-----
      MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDb718YDjDSLBoL
      x1VKnfbIwh7yfBgpQLWo0FdS3SHAGQtgXV2DMuHi3PkAOvX/uVdZpezUafkqesEo
      4BCxySKHb2v5QmUvpyyMCwkUsOYdyDtLT78zdScwgsRBfhG2U1wsEDyELgngr5SA
      f/eWQ/AZ3p0HYuZtSD8U4kQDeQJFDFdjeU6NaC2utu1OnW4cftOHs57zNeB81yQQ
      k/tXWDGTaVvC3tU5NHSc0TKIMvxM1a4zZzlNq5uPBTCTu8m+YPojk+QqsUXqhED5
      u5BJMTQo1k3++SwhGIMGk7u7FS5z8OXgtUFP9jEt121BVjBeXgruFNywNwyujTYg
      EvGkTXIrAgMBAAECggEAE5tW5GubcZkp50PpeCH19rbLkH18n+zbZQXRyxrYn+n7
      qCcap5AZMCLX9evLs3T/8weGQfeClYVlA/JZuqe+Msm9m/aN0745C/EN6bDNivkn
      RBMDbiBzEnGN8nK9PH5Y+Lqn0nbSPZwZho0h8tzyojPE1vw7o6FtsjxrqM2YZLRH
      IeJYZo5OV8LDL90WHxbaJNWv4k0W0R+xoRmhKQsC0HYmTDrsVggO8C/mQbIdSggh
      45JumsU2isY30V6qLDxxMFYdBPo67MLd/HvqB5SeeM61M2aHQjfXqX6Oo2UDDZ79
      WEYc2T9PCmIp1zTXNcpMd/V8U5TGYyc+UVqihhKD2QKBgQDzcYUMMuohFCpnfuR9
      Mvbj3Nr7yUDMb95hvFSVwMdrtHtrs6Xi/yABwSe1L4HecMRxCaar+ttvNmIWO0yK
      lS0S+qNgUwZRONP0zwFiyNTzqlQNWHWOfywxH2a/pboQ6wtSOEtK0utxsFmXDNyi
      FjlgnRcqp7RTPpLtXWZgfvfSQwKBgQDnR3EaVMPl0qbb4lUmGSOhEtpbyWh3AHCL
      FcZ+pNIFwcr15HKP/dB9c3Nmcq5QIhF2I1Gk0oaA3piEYN68oobOyRlK/HDsuEUy
      wngqw1mODaDyJdX8Bm8//TS8Bnk4R3RVZ4t/0Q3NdZh3sp2ZS8eWQkVB/ZiGTmiB
      vXCnHGTl+QKBgQCywPZK4M/d/iqs2BX6gIOdCTyaiUpVUwddiKYrV+SWh23gxYbX
      STI9V5FKj1my9eaogceqnIaoAKzBWkV3tNXmC7gPMKeA2FN6fM2ttX34dWdGbV/U
      hDj00PPnYU9gwNYNR1yx0nIjhrQiH8WaFuuGr5KlNYNJZLcKJ/zWeiSKdQKBgBmZ
      aMV3WG+Zz2pLNQ2QfscXZR//vRZe8BYVBPGDoNOOTb7F2IBjoa4hF0bhrrWj77bZ
      1fGec9DT0qHkbwMGIlHFJI2OP5mUE+S4bcCd+s2kaIok8fiBZdL5XdrqBITcM944
      JdKx+wsg1w14scUEBEV3dF8HiNhk2WBy7YMxu2FRAoGBAPD7vYT/9Whp5SBa2U4I
      tZ8JVKW/7q+PxgQuSjXrKjFRoSL41SrFGJghxMEfIW0F5Faj70OIEH6tm7oI70BT
      say7FQIbmvopZ6dtZiGkOklpgJ0wg2HGIBEVWlLQpg0DYSKekIi7ZhhSB++I8uP+
      Wq031cPY1aNk6krrpBFodXlS
      -----END PRIVATE KEY-----
    EOT
  }

  answer {
    status = 201
    json = {
      token                = "ghs_1234_eyJhbGciOiJSUzI1NiJ9.e30.made-up"
      expires_at           = "2026-03-02T11:00:00Z"
      repository_selection = "selected"
    }
  }
  expect {
    access_token = "ghs_1234_eyJhbGciOiJSUzI1NiJ9.e30.made-up"
    expires_at   = "2026-03-02T11:00:00Z"
    outputs      = { repository_selection = "selected" }
    request = {
      json = { permissions = { contents = "read" }, repositories = ["hello-world"] }
    }
  }
}

test "another key" {
  upstream = "github_app"
  attributes = {
    app_id          = "Iv23made-up"
    installation_id = "4711"
    private_key     = <<-EOT
      -----BEGIN PRIVATE KEY-----
      MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDb718YDjDSLBoL
      x1VKnfbIwh7yfBgpQLWo0FdS3SHAGQtgXV2DMuHi3PkAOvX/uVdZpezUafkqesEo
      4BCxySKHb2v5QmUvpyyMCwkUsOYdyDtLT78zdScwgsRBfhG2U1wsEDyELgngr5SA
      f/eWQ/AZ3p0HYuZtSD8U4kQDeQJFDFdjeU6NaC2utu1OnW4cftOHs57zNeB81yQQ
      k/tXWDGTaVvC3tU5NHSc0TKIMvxM1a4zZzlNq5uPBTCTu8m+YPojk+QqsUXqhED5
      u5BJMTQo1k3++SwhGIMGk7u7FS5z8OXgtUFP9jEt121BVjBeXgruFNywNwyujTYg
      EvGkTXIrAgMBAAECggEAE5tW5GubcZkp50PpeCH19rbLkH18n+zbZQXRyxrYn+n7
      qCcap5AZMCLX9evLs3T/8weGQfeClYVlA/JZuqe+Msm9m/aN0745C/EN6bDNivkn
      RBMDbiBzEnGN8nK9PH5Y+Lqn0nbSPZwZho0h8tzyojPE1vw7o6FtsjxrqM2YZLRH
      IeJYZo5OV8LDL90WHxbaJNWv4k0W0R+xoRmhKQsC0HYmTDrsVggO8C/mQbIdSggh
      45JumsU2isY30V6qLDxxMFYdBPo67MLd/HvqB5SeeM61M2aHQjfXqX6Oo2UDDZ79
      WEYc2T9PCmIp1zTXNcpMd/V8U5TGYyc+UVqihhKD2QKBgQDzcYUMMuohFCpnfuR9
      Mvbj3Nr7yUDMb95hvFSVwMdrtHtrs6Xi/yABwSe1L4HecMRxCaar+ttvNmIWO0yK
      lS0S+qNgUwZRONP0zwFiyNTzqlQNWHWOfywxH2a/pboQ6wtSOEtK0utxsFmXDNyi
      FjlgnRcqp7RTPpLtXWZgfvfSQwKBgQDnR3EaVMPl0qbb4lUmGSOhEtpbyWh3AHCL
      FcZ+pNIFwcr15HKP/dB9c3Nmcq5QIhF2I1Gk0oaA3piEYN68oobOyRlK/HDsuEUy
      wngqw1mODaDyJdX8Bm8//TS8Bnk4R3RVZ4t/0Q3NdZh3sp2ZS8eWQkVB/ZiGTmiB
      vXCnHGTl+QKBgQCywPZK4M/d/iqs2BX6gIOdCTyaiUpVUwddiKYrV+SWh23gxYbX
      STI9V5FKj1my9eaogceqnIaoAKzBWkV3tNXmC7gPMKeA2FN6fM2ttX34dWdGbV/U
      hDj00PPnYU9gwNYNR1yx0nIjhrQiH8WaFuuGr5KlNYNJZLcKJ/zWeiSKdQKBgBmZ
      aMV3WG+Zz2pLNQ2QfscXZR//vRZe8BYVBPGDoNOOTb7F2IBjoa4hF0bhrrWj77bZ
      1fGec9DT0qHkbwMGIlHFJI2OP5mUE+S4bcCd+s2kaIok8fiBZdL5XdrqBITcM944
      JdKx+wsg1w14scUEBEV3dF8HiNhk2WBy7YMxu2FRAoGBAPD7vYT/9Whp5SBa2U4I
      tZ8JVKW/7q+PxgQuSjXrKjFRoSL41SrFGJghxMEfIW0F5Faj70OIEH6tm7oI70BT
      say7FQIbmvopZ6dtZiGkOklpgJ0wg2HGIBEVWlLQpg0DYSKekIi7ZhhSB++I8uP+
      Wq031cPY1aNk6krrpBFodXlS
      -----END PRIVATE KEY-----
    EOT
  }

  answer {
    status = 401
    json   = { message = "A JSON web token could not be decoded" }
  }
  expect {
    class = "credentials"
    error = "key"
  }
}

test "a suspended installation" {
  upstream = "github_app"
  attributes = {
    app_id          = "Iv23made-up"
    installation_id = "4711"
    private_key     = <<-EOT
      -----BEGIN PRIVATE KEY-----
      MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDb718YDjDSLBoL
      x1VKnfbIwh7yfBgpQLWo0FdS3SHAGQtgXV2DMuHi3PkAOvX/uVdZpezUafkqesEo
      4BCxySKHb2v5QmUvpyyMCwkUsOYdyDtLT78zdScwgsRBfhG2U1wsEDyELgngr5SA
      f/eWQ/AZ3p0HYuZtSD8U4kQDeQJFDFdjeU6NaC2utu1OnW4cftOHs57zNeB81yQQ
      k/tXWDGTaVvC3tU5NHSc0TKIMvxM1a4zZzlNq5uPBTCTu8m+YPojk+QqsUXqhED5
      u5BJMTQo1k3++SwhGIMGk7u7FS5z8OXgtUFP9jEt121BVjBeXgruFNywNwyujTYg
      EvGkTXIrAgMBAAECggEAE5tW5GubcZkp50PpeCH19rbLkH18n+zbZQXRyxrYn+n7
      qCcap5AZMCLX9evLs3T/8weGQfeClYVlA/JZuqe+Msm9m/aN0745C/EN6bDNivkn
      RBMDbiBzEnGN8nK9PH5Y+Lqn0nbSPZwZho0h8tzyojPE1vw7o6FtsjxrqM2YZLRH
      IeJYZo5OV8LDL90WHxbaJNWv4k0W0R+xoRmhKQsC0HYmTDrsVggO8C/mQbIdSggh
      45JumsU2isY30V6qLDxxMFYdBPo67MLd/HvqB5SeeM61M2aHQjfXqX6Oo2UDDZ79
      WEYc2T9PCmIp1zTXNcpMd/V8U5TGYyc+UVqihhKD2QKBgQDzcYUMMuohFCpnfuR9
      Mvbj3Nr7yUDMb95hvFSVwMdrtHtrs6Xi/yABwSe1L4HecMRxCaar+ttvNmIWO0yK
      lS0S+qNgUwZRONP0zwFiyNTzqlQNWHWOfywxH2a/pboQ6wtSOEtK0utxsFmXDNyi
      FjlgnRcqp7RTPpLtXWZgfvfSQwKBgQDnR3EaVMPl0qbb4lUmGSOhEtpbyWh3AHCL
      FcZ+pNIFwcr15HKP/dB9c3Nmcq5QIhF2I1Gk0oaA3piEYN68oobOyRlK/HDsuEUy
      wngqw1mODaDyJdX8Bm8//TS8Bnk4R3RVZ4t/0Q3NdZh3sp2ZS8eWQkVB/ZiGTmiB
      vXCnHGTl+QKBgQCywPZK4M/d/iqs2BX6gIOdCTyaiUpVUwddiKYrV+SWh23gxYbX
      STI9V5FKj1my9eaogceqnIaoAKzBWkV3tNXmC7gPMKeA2FN6fM2ttX34dWdGbV/U
      hDj00PPnYU9gwNYNR1yx0nIjhrQiH8WaFuuGr5KlNYNJZLcKJ/zWeiSKdQKBgBmZ
      aMV3WG+Zz2pLNQ2QfscXZR//vRZe8BYVBPGDoNOOTb7F2IBjoa4hF0bhrrWj77bZ
      1fGec9DT0qHkbwMGIlHFJI2OP5mUE+S4bcCd+s2kaIok8fiBZdL5XdrqBITcM944
      JdKx+wsg1w14scUEBEV3dF8HiNhk2WBy7YMxu2FRAoGBAPD7vYT/9Whp5SBa2U4I
      tZ8JVKW/7q+PxgQuSjXrKjFRoSL41SrFGJghxMEfIW0F5Faj70OIEH6tm7oI70BT
      say7FQIbmvopZ6dtZiGkOklpgJ0wg2HGIBEVWlLQpg0DYSKekIi7ZhhSB++I8uP+
      Wq031cPY1aNk6krrpBFodXlS
      -----END PRIVATE KEY-----
    EOT
  }

  answer {
    status = 403
    json   = { message = "This installation has been suspended" }
  }
  expect {
    class  = "human"
    reason = "no_access"
    error  = "suspended"
  }
}

test "too many requests" {
  upstream = "github_app"
  attributes = {
    app_id          = "Iv23made-up"
    installation_id = "4711"
    private_key     = <<-EOT
      -----BEGIN PRIVATE KEY-----
      MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDb718YDjDSLBoL
      x1VKnfbIwh7yfBgpQLWo0FdS3SHAGQtgXV2DMuHi3PkAOvX/uVdZpezUafkqesEo
      4BCxySKHb2v5QmUvpyyMCwkUsOYdyDtLT78zdScwgsRBfhG2U1wsEDyELgngr5SA
      f/eWQ/AZ3p0HYuZtSD8U4kQDeQJFDFdjeU6NaC2utu1OnW4cftOHs57zNeB81yQQ
      k/tXWDGTaVvC3tU5NHSc0TKIMvxM1a4zZzlNq5uPBTCTu8m+YPojk+QqsUXqhED5
      u5BJMTQo1k3++SwhGIMGk7u7FS5z8OXgtUFP9jEt121BVjBeXgruFNywNwyujTYg
      EvGkTXIrAgMBAAECggEAE5tW5GubcZkp50PpeCH19rbLkH18n+zbZQXRyxrYn+n7
      qCcap5AZMCLX9evLs3T/8weGQfeClYVlA/JZuqe+Msm9m/aN0745C/EN6bDNivkn
      RBMDbiBzEnGN8nK9PH5Y+Lqn0nbSPZwZho0h8tzyojPE1vw7o6FtsjxrqM2YZLRH
      IeJYZo5OV8LDL90WHxbaJNWv4k0W0R+xoRmhKQsC0HYmTDrsVggO8C/mQbIdSggh
      45JumsU2isY30V6qLDxxMFYdBPo67MLd/HvqB5SeeM61M2aHQjfXqX6Oo2UDDZ79
      WEYc2T9PCmIp1zTXNcpMd/V8U5TGYyc+UVqihhKD2QKBgQDzcYUMMuohFCpnfuR9
      Mvbj3Nr7yUDMb95hvFSVwMdrtHtrs6Xi/yABwSe1L4HecMRxCaar+ttvNmIWO0yK
      lS0S+qNgUwZRONP0zwFiyNTzqlQNWHWOfywxH2a/pboQ6wtSOEtK0utxsFmXDNyi
      FjlgnRcqp7RTPpLtXWZgfvfSQwKBgQDnR3EaVMPl0qbb4lUmGSOhEtpbyWh3AHCL
      FcZ+pNIFwcr15HKP/dB9c3Nmcq5QIhF2I1Gk0oaA3piEYN68oobOyRlK/HDsuEUy
      wngqw1mODaDyJdX8Bm8//TS8Bnk4R3RVZ4t/0Q3NdZh3sp2ZS8eWQkVB/ZiGTmiB
      vXCnHGTl+QKBgQCywPZK4M/d/iqs2BX6gIOdCTyaiUpVUwddiKYrV+SWh23gxYbX
      STI9V5FKj1my9eaogceqnIaoAKzBWkV3tNXmC7gPMKeA2FN6fM2ttX34dWdGbV/U
      hDj00PPnYU9gwNYNR1yx0nIjhrQiH8WaFuuGr5KlNYNJZLcKJ/zWeiSKdQKBgBmZ
      aMV3WG+Zz2pLNQ2QfscXZR//vRZe8BYVBPGDoNOOTb7F2IBjoa4hF0bhrrWj77bZ
      1fGec9DT0qHkbwMGIlHFJI2OP5mUE+S4bcCd+s2kaIok8fiBZdL5XdrqBITcM944
      JdKx+wsg1w14scUEBEV3dF8HiNhk2WBy7YMxu2FRAoGBAPD7vYT/9Whp5SBa2U4I
      tZ8JVKW/7q+PxgQuSjXrKjFRoSL41SrFGJghxMEfIW0F5Faj70OIEH6tm7oI70BT
      say7FQIbmvopZ6dtZiGkOklpgJ0wg2HGIBEVWlLQpg0DYSKekIi7ZhhSB++I8uP+
      Wq031cPY1aNk6krrpBFodXlS
      -----END PRIVATE KEY-----
    EOT
  }

  answer {
    status  = 403
    headers = { X-RateLimit-Remaining = "0" }
    json    = { message = "API rate limit exceeded" }
  }
  expect {
    class = "retryable"
    error = "rate_limit"
  }
}

test "a secondary rate limit" {
  upstream = "github_app"
  attributes = {
    app_id          = "Iv23made-up"
    installation_id = "4711"
    private_key     = <<-EOT
      -----BEGIN PRIVATE KEY-----
      MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDb718YDjDSLBoL
      x1VKnfbIwh7yfBgpQLWo0FdS3SHAGQtgXV2DMuHi3PkAOvX/uVdZpezUafkqesEo
      4BCxySKHb2v5QmUvpyyMCwkUsOYdyDtLT78zdScwgsRBfhG2U1wsEDyELgngr5SA
      f/eWQ/AZ3p0HYuZtSD8U4kQDeQJFDFdjeU6NaC2utu1OnW4cftOHs57zNeB81yQQ
      k/tXWDGTaVvC3tU5NHSc0TKIMvxM1a4zZzlNq5uPBTCTu8m+YPojk+QqsUXqhED5
      u5BJMTQo1k3++SwhGIMGk7u7FS5z8OXgtUFP9jEt121BVjBeXgruFNywNwyujTYg
      EvGkTXIrAgMBAAECggEAE5tW5GubcZkp50PpeCH19rbLkH18n+zbZQXRyxrYn+n7
      qCcap5AZMCLX9evLs3T/8weGQfeClYVlA/JZuqe+Msm9m/aN0745C/EN6bDNivkn
      RBMDbiBzEnGN8nK9PH5Y+Lqn0nbSPZwZho0h8tzyojPE1vw7o6FtsjxrqM2YZLRH
      IeJYZo5OV8LDL90WHxbaJNWv4k0W0R+xoRmhKQsC0HYmTDrsVggO8C/mQbIdSggh
      45JumsU2isY30V6qLDxxMFYdBPo67MLd/HvqB5SeeM61M2aHQjfXqX6Oo2UDDZ79
      WEYc2T9PCmIp1zTXNcpMd/V8U5TGYyc+UVqihhKD2QKBgQDzcYUMMuohFCpnfuR9
      Mvbj3Nr7yUDMb95hvFSVwMdrtHtrs6Xi/yABwSe1L4HecMRxCaar+ttvNmIWO0yK
      lS0S+qNgUwZRONP0zwFiyNTzqlQNWHWOfywxH2a/pboQ6wtSOEtK0utxsFmXDNyi
      FjlgnRcqp7RTPpLtXWZgfvfSQwKBgQDnR3EaVMPl0qbb4lUmGSOhEtpbyWh3AHCL
      FcZ+pNIFwcr15HKP/dB9c3Nmcq5QIhF2I1Gk0oaA3piEYN68oobOyRlK/HDsuEUy
      wngqw1mODaDyJdX8Bm8//TS8Bnk4R3RVZ4t/0Q3NdZh3sp2ZS8eWQkVB/ZiGTmiB
      vXCnHGTl+QKBgQCywPZK4M/d/iqs2BX6gIOdCTyaiUpVUwddiKYrV+SWh23gxYbX
      STI9V5FKj1my9eaogceqnIaoAKzBWkV3tNXmC7gPMKeA2FN6fM2ttX34dWdGbV/U
      hDj00PPnYU9gwNYNR1yx0nIjhrQiH8WaFuuGr5KlNYNJZLcKJ/zWeiSKdQKBgBmZ
      aMV3WG+Zz2pLNQ2QfscXZR//vRZe8BYVBPGDoNOOTb7F2IBjoa4hF0bhrrWj77bZ
      1fGec9DT0qHkbwMGIlHFJI2OP5mUE+S4bcCd+s2kaIok8fiBZdL5XdrqBITcM944
      JdKx+wsg1w14scUEBEV3dF8HiNhk2WBy7YMxu2FRAoGBAPD7vYT/9Whp5SBa2U4I
      tZ8JVKW/7q+PxgQuSjXrKjFRoSL41SrFGJghxMEfIW0F5Faj70OIEH6tm7oI70BT
      say7FQIbmvopZ6dtZiGkOklpgJ0wg2HGIBEVWlLQpg0DYSKekIi7ZhhSB++I8uP+
      Wq031cPY1aNk6krrpBFodXlS
      -----END PRIVATE KEY-----
    EOT
  }

  answer {
    status  = 403
    headers = { Retry-After = "60" }
    json    = { message = "You have exceeded a secondary rate limit" }
  }
  expect {
    class = "retryable"
    error = "rate_limit"
  }
}

test "an unknown installation" {
  upstream = "github_app"
  attributes = {
    app_id          = "Iv23made-up"
    installation_id = "4711"
    private_key     = <<-EOT
      -----BEGIN PRIVATE KEY-----
      MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDb718YDjDSLBoL
      x1VKnfbIwh7yfBgpQLWo0FdS3SHAGQtgXV2DMuHi3PkAOvX/uVdZpezUafkqesEo
      4BCxySKHb2v5QmUvpyyMCwkUsOYdyDtLT78zdScwgsRBfhG2U1wsEDyELgngr5SA
      f/eWQ/AZ3p0HYuZtSD8U4kQDeQJFDFdjeU6NaC2utu1OnW4cftOHs57zNeB81yQQ
      k/tXWDGTaVvC3tU5NHSc0TKIMvxM1a4zZzlNq5uPBTCTu8m+YPojk+QqsUXqhED5
      u5BJMTQo1k3++SwhGIMGk7u7FS5z8OXgtUFP9jEt121BVjBeXgruFNywNwyujTYg
      EvGkTXIrAgMBAAECggEAE5tW5GubcZkp50PpeCH19rbLkH18n+zbZQXRyxrYn+n7
      qCcap5AZMCLX9evLs3T/8weGQfeClYVlA/JZuqe+Msm9m/aN0745C/EN6bDNivkn
      RBMDbiBzEnGN8nK9PH5Y+Lqn0nbSPZwZho0h8tzyojPE1vw7o6FtsjxrqM2YZLRH
      IeJYZo5OV8LDL90WHxbaJNWv4k0W0R+xoRmhKQsC0HYmTDrsVggO8C/mQbIdSggh
      45JumsU2isY30V6qLDxxMFYdBPo67MLd/HvqB5SeeM61M2aHQjfXqX6Oo2UDDZ79
      WEYc2T9PCmIp1zTXNcpMd/V8U5TGYyc+UVqihhKD2QKBgQDzcYUMMuohFCpnfuR9
      Mvbj3Nr7yUDMb95hvFSVwMdrtHtrs6Xi/yABwSe1L4HecMRxCaar+ttvNmIWO0yK
      lS0S+qNgUwZRONP0zwFiyNTzqlQNWHWOfywxH2a/pboQ6wtSOEtK0utxsFmXDNyi
      FjlgnRcqp7RTPpLtXWZgfvfSQwKBgQDnR3EaVMPl0qbb4lUmGSOhEtpbyWh3AHCL
      FcZ+pNIFwcr15HKP/dB9c3Nmcq5QIhF2I1Gk0oaA3piEYN68oobOyRlK/HDsuEUy
      wngqw1mODaDyJdX8Bm8//TS8Bnk4R3RVZ4t/0Q3NdZh3sp2ZS8eWQkVB/ZiGTmiB
      vXCnHGTl+QKBgQCywPZK4M/d/iqs2BX6gIOdCTyaiUpVUwddiKYrV+SWh23gxYbX
      STI9V5FKj1my9eaogceqnIaoAKzBWkV3tNXmC7gPMKeA2FN6fM2ttX34dWdGbV/U
      hDj00PPnYU9gwNYNR1yx0nIjhrQiH8WaFuuGr5KlNYNJZLcKJ/zWeiSKdQKBgBmZ
      aMV3WG+Zz2pLNQ2QfscXZR//vRZe8BYVBPGDoNOOTb7F2IBjoa4hF0bhrrWj77bZ
      1fGec9DT0qHkbwMGIlHFJI2OP5mUE+S4bcCd+s2kaIok8fiBZdL5XdrqBITcM944
      JdKx+wsg1w14scUEBEV3dF8HiNhk2WBy7YMxu2FRAoGBAPD7vYT/9Whp5SBa2U4I
      tZ8JVKW/7q+PxgQuSjXrKjFRoSL41SrFGJghxMEfIW0F5Faj70OIEH6tm7oI70BT
      say7FQIbmvopZ6dtZiGkOklpgJ0wg2HGIBEVWlLQpg0DYSKekIi7ZhhSB++I8uP+
      Wq031cPY1aNk6krrpBFodXlS
      -----END PRIVATE KEY-----
    EOT
  }

  answer {
    status = 404
    json   = { message = "Not Found" }
  }
  expect {
    class = "config"
    error = "installation"
  }
}

test "a permission that the app does not have" {
  upstream = "github_app"
  attributes = {
    app_id          = "Iv23made-up"
    installation_id = "4711"
    private_key     = <<-EOT
      -----BEGIN PRIVATE KEY-----
      MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDb718YDjDSLBoL
      x1VKnfbIwh7yfBgpQLWo0FdS3SHAGQtgXV2DMuHi3PkAOvX/uVdZpezUafkqesEo
      4BCxySKHb2v5QmUvpyyMCwkUsOYdyDtLT78zdScwgsRBfhG2U1wsEDyELgngr5SA
      f/eWQ/AZ3p0HYuZtSD8U4kQDeQJFDFdjeU6NaC2utu1OnW4cftOHs57zNeB81yQQ
      k/tXWDGTaVvC3tU5NHSc0TKIMvxM1a4zZzlNq5uPBTCTu8m+YPojk+QqsUXqhED5
      u5BJMTQo1k3++SwhGIMGk7u7FS5z8OXgtUFP9jEt121BVjBeXgruFNywNwyujTYg
      EvGkTXIrAgMBAAECggEAE5tW5GubcZkp50PpeCH19rbLkH18n+zbZQXRyxrYn+n7
      qCcap5AZMCLX9evLs3T/8weGQfeClYVlA/JZuqe+Msm9m/aN0745C/EN6bDNivkn
      RBMDbiBzEnGN8nK9PH5Y+Lqn0nbSPZwZho0h8tzyojPE1vw7o6FtsjxrqM2YZLRH
      IeJYZo5OV8LDL90WHxbaJNWv4k0W0R+xoRmhKQsC0HYmTDrsVggO8C/mQbIdSggh
      45JumsU2isY30V6qLDxxMFYdBPo67MLd/HvqB5SeeM61M2aHQjfXqX6Oo2UDDZ79
      WEYc2T9PCmIp1zTXNcpMd/V8U5TGYyc+UVqihhKD2QKBgQDzcYUMMuohFCpnfuR9
      Mvbj3Nr7yUDMb95hvFSVwMdrtHtrs6Xi/yABwSe1L4HecMRxCaar+ttvNmIWO0yK
      lS0S+qNgUwZRONP0zwFiyNTzqlQNWHWOfywxH2a/pboQ6wtSOEtK0utxsFmXDNyi
      FjlgnRcqp7RTPpLtXWZgfvfSQwKBgQDnR3EaVMPl0qbb4lUmGSOhEtpbyWh3AHCL
      FcZ+pNIFwcr15HKP/dB9c3Nmcq5QIhF2I1Gk0oaA3piEYN68oobOyRlK/HDsuEUy
      wngqw1mODaDyJdX8Bm8//TS8Bnk4R3RVZ4t/0Q3NdZh3sp2ZS8eWQkVB/ZiGTmiB
      vXCnHGTl+QKBgQCywPZK4M/d/iqs2BX6gIOdCTyaiUpVUwddiKYrV+SWh23gxYbX
      STI9V5FKj1my9eaogceqnIaoAKzBWkV3tNXmC7gPMKeA2FN6fM2ttX34dWdGbV/U
      hDj00PPnYU9gwNYNR1yx0nIjhrQiH8WaFuuGr5KlNYNJZLcKJ/zWeiSKdQKBgBmZ
      aMV3WG+Zz2pLNQ2QfscXZR//vRZe8BYVBPGDoNOOTb7F2IBjoa4hF0bhrrWj77bZ
      1fGec9DT0qHkbwMGIlHFJI2OP5mUE+S4bcCd+s2kaIok8fiBZdL5XdrqBITcM944
      JdKx+wsg1w14scUEBEV3dF8HiNhk2WBy7YMxu2FRAoGBAPD7vYT/9Whp5SBa2U4I
      tZ8JVKW/7q+PxgQuSjXrKjFRoSL41SrFGJghxMEfIW0F5Faj70OIEH6tm7oI70BT
      say7FQIbmvopZ6dtZiGkOklpgJ0wg2HGIBEVWlLQpg0DYSKekIi7ZhhSB++I8uP+
      Wq031cPY1aNk6krrpBFodXlS
      -----END PRIVATE KEY-----
    EOT
  }

  answer {
    status = 422
    json   = { message = "The permissions requested are not granted to this installation." }
  }
  expect {
    class = "config"
    error = "permissions"
  }
}

test "an answer without a token" {
  upstream = "github_app"
  attributes = {
    app_id          = "Iv23made-up"
    installation_id = "4711"
    private_key     = <<-EOT
      -----BEGIN PRIVATE KEY-----
      MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDb718YDjDSLBoL
      x1VKnfbIwh7yfBgpQLWo0FdS3SHAGQtgXV2DMuHi3PkAOvX/uVdZpezUafkqesEo
      4BCxySKHb2v5QmUvpyyMCwkUsOYdyDtLT78zdScwgsRBfhG2U1wsEDyELgngr5SA
      f/eWQ/AZ3p0HYuZtSD8U4kQDeQJFDFdjeU6NaC2utu1OnW4cftOHs57zNeB81yQQ
      k/tXWDGTaVvC3tU5NHSc0TKIMvxM1a4zZzlNq5uPBTCTu8m+YPojk+QqsUXqhED5
      u5BJMTQo1k3++SwhGIMGk7u7FS5z8OXgtUFP9jEt121BVjBeXgruFNywNwyujTYg
      EvGkTXIrAgMBAAECggEAE5tW5GubcZkp50PpeCH19rbLkH18n+zbZQXRyxrYn+n7
      qCcap5AZMCLX9evLs3T/8weGQfeClYVlA/JZuqe+Msm9m/aN0745C/EN6bDNivkn
      RBMDbiBzEnGN8nK9PH5Y+Lqn0nbSPZwZho0h8tzyojPE1vw7o6FtsjxrqM2YZLRH
      IeJYZo5OV8LDL90WHxbaJNWv4k0W0R+xoRmhKQsC0HYmTDrsVggO8C/mQbIdSggh
      45JumsU2isY30V6qLDxxMFYdBPo67MLd/HvqB5SeeM61M2aHQjfXqX6Oo2UDDZ79
      WEYc2T9PCmIp1zTXNcpMd/V8U5TGYyc+UVqihhKD2QKBgQDzcYUMMuohFCpnfuR9
      Mvbj3Nr7yUDMb95hvFSVwMdrtHtrs6Xi/yABwSe1L4HecMRxCaar+ttvNmIWO0yK
      lS0S+qNgUwZRONP0zwFiyNTzqlQNWHWOfywxH2a/pboQ6wtSOEtK0utxsFmXDNyi
      FjlgnRcqp7RTPpLtXWZgfvfSQwKBgQDnR3EaVMPl0qbb4lUmGSOhEtpbyWh3AHCL
      FcZ+pNIFwcr15HKP/dB9c3Nmcq5QIhF2I1Gk0oaA3piEYN68oobOyRlK/HDsuEUy
      wngqw1mODaDyJdX8Bm8//TS8Bnk4R3RVZ4t/0Q3NdZh3sp2ZS8eWQkVB/ZiGTmiB
      vXCnHGTl+QKBgQCywPZK4M/d/iqs2BX6gIOdCTyaiUpVUwddiKYrV+SWh23gxYbX
      STI9V5FKj1my9eaogceqnIaoAKzBWkV3tNXmC7gPMKeA2FN6fM2ttX34dWdGbV/U
      hDj00PPnYU9gwNYNR1yx0nIjhrQiH8WaFuuGr5KlNYNJZLcKJ/zWeiSKdQKBgBmZ
      aMV3WG+Zz2pLNQ2QfscXZR//vRZe8BYVBPGDoNOOTb7F2IBjoa4hF0bhrrWj77bZ
      1fGec9DT0qHkbwMGIlHFJI2OP5mUE+S4bcCd+s2kaIok8fiBZdL5XdrqBITcM944
      JdKx+wsg1w14scUEBEV3dF8HiNhk2WBy7YMxu2FRAoGBAPD7vYT/9Whp5SBa2U4I
      tZ8JVKW/7q+PxgQuSjXrKjFRoSL41SrFGJghxMEfIW0F5Faj70OIEH6tm7oI70BT
      say7FQIbmvopZ6dtZiGkOklpgJ0wg2HGIBEVWlLQpg0DYSKekIi7ZhhSB++I8uP+
      Wq031cPY1aNk6krrpBFodXlS
      -----END PRIVATE KEY-----
    EOT
  }

  answer {
    status = 201
    json   = { expires_at = "2026-03-02T11:00:00Z" }
  }
  expect {
    class = "server"
  }
}

test "a valid token" {
  upstream  = "github_app"
  operation = "verify"
  attributes = {
    app_id          = "Iv23made-up"
    installation_id = "4711"
    private_key     = <<-EOT
      -----BEGIN PRIVATE KEY-----
      MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDb718YDjDSLBoL
      x1VKnfbIwh7yfBgpQLWo0FdS3SHAGQtgXV2DMuHi3PkAOvX/uVdZpezUafkqesEo
      4BCxySKHb2v5QmUvpyyMCwkUsOYdyDtLT78zdScwgsRBfhG2U1wsEDyELgngr5SA
      f/eWQ/AZ3p0HYuZtSD8U4kQDeQJFDFdjeU6NaC2utu1OnW4cftOHs57zNeB81yQQ
      k/tXWDGTaVvC3tU5NHSc0TKIMvxM1a4zZzlNq5uPBTCTu8m+YPojk+QqsUXqhED5
      u5BJMTQo1k3++SwhGIMGk7u7FS5z8OXgtUFP9jEt121BVjBeXgruFNywNwyujTYg
      EvGkTXIrAgMBAAECggEAE5tW5GubcZkp50PpeCH19rbLkH18n+zbZQXRyxrYn+n7
      qCcap5AZMCLX9evLs3T/8weGQfeClYVlA/JZuqe+Msm9m/aN0745C/EN6bDNivkn
      RBMDbiBzEnGN8nK9PH5Y+Lqn0nbSPZwZho0h8tzyojPE1vw7o6FtsjxrqM2YZLRH
      IeJYZo5OV8LDL90WHxbaJNWv4k0W0R+xoRmhKQsC0HYmTDrsVggO8C/mQbIdSggh
      45JumsU2isY30V6qLDxxMFYdBPo67MLd/HvqB5SeeM61M2aHQjfXqX6Oo2UDDZ79
      WEYc2T9PCmIp1zTXNcpMd/V8U5TGYyc+UVqihhKD2QKBgQDzcYUMMuohFCpnfuR9
      Mvbj3Nr7yUDMb95hvFSVwMdrtHtrs6Xi/yABwSe1L4HecMRxCaar+ttvNmIWO0yK
      lS0S+qNgUwZRONP0zwFiyNTzqlQNWHWOfywxH2a/pboQ6wtSOEtK0utxsFmXDNyi
      FjlgnRcqp7RTPpLtXWZgfvfSQwKBgQDnR3EaVMPl0qbb4lUmGSOhEtpbyWh3AHCL
      FcZ+pNIFwcr15HKP/dB9c3Nmcq5QIhF2I1Gk0oaA3piEYN68oobOyRlK/HDsuEUy
      wngqw1mODaDyJdX8Bm8//TS8Bnk4R3RVZ4t/0Q3NdZh3sp2ZS8eWQkVB/ZiGTmiB
      vXCnHGTl+QKBgQCywPZK4M/d/iqs2BX6gIOdCTyaiUpVUwddiKYrV+SWh23gxYbX
      STI9V5FKj1my9eaogceqnIaoAKzBWkV3tNXmC7gPMKeA2FN6fM2ttX34dWdGbV/U
      hDj00PPnYU9gwNYNR1yx0nIjhrQiH8WaFuuGr5KlNYNJZLcKJ/zWeiSKdQKBgBmZ
      aMV3WG+Zz2pLNQ2QfscXZR//vRZe8BYVBPGDoNOOTb7F2IBjoa4hF0bhrrWj77bZ
      1fGec9DT0qHkbwMGIlHFJI2OP5mUE+S4bcCd+s2kaIok8fiBZdL5XdrqBITcM944
      JdKx+wsg1w14scUEBEV3dF8HiNhk2WBy7YMxu2FRAoGBAPD7vYT/9Whp5SBa2U4I
      tZ8JVKW/7q+PxgQuSjXrKjFRoSL41SrFGJghxMEfIW0F5Faj70OIEH6tm7oI70BT
      say7FQIbmvopZ6dtZiGkOklpgJ0wg2HGIBEVWlLQpg0DYSKekIi7ZhhSB++I8uP+
      Wq031cPY1aNk6krrpBFodXlS
      -----END PRIVATE KEY-----
    EOT
  }
  token = { access_token = "ghs_made-up-token-1" }

  answer {
    json = { total_count = 1, repositories = [{ id = 1296269, name = "hello-world" }] }
  }
  expect {
    request = {
      method = "GET"
      path   = "/installation/repositories"
      query  = { per_page = "1" }
      header = {
        Accept               = "application/vnd.github+json"
        X-GitHub-Api-Version = "2022-11-28"
        Authorization        = "Bearer ghs_made-up-token-1"
      }
    }
  }
}

test "an expired token" {
  upstream  = "github_app"
  operation = "verify"
  attributes = {
    app_id          = "Iv23made-up"
    installation_id = "4711"
    private_key     = <<-EOT
      -----BEGIN PRIVATE KEY-----
      MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDb718YDjDSLBoL
      x1VKnfbIwh7yfBgpQLWo0FdS3SHAGQtgXV2DMuHi3PkAOvX/uVdZpezUafkqesEo
      4BCxySKHb2v5QmUvpyyMCwkUsOYdyDtLT78zdScwgsRBfhG2U1wsEDyELgngr5SA
      f/eWQ/AZ3p0HYuZtSD8U4kQDeQJFDFdjeU6NaC2utu1OnW4cftOHs57zNeB81yQQ
      k/tXWDGTaVvC3tU5NHSc0TKIMvxM1a4zZzlNq5uPBTCTu8m+YPojk+QqsUXqhED5
      u5BJMTQo1k3++SwhGIMGk7u7FS5z8OXgtUFP9jEt121BVjBeXgruFNywNwyujTYg
      EvGkTXIrAgMBAAECggEAE5tW5GubcZkp50PpeCH19rbLkH18n+zbZQXRyxrYn+n7
      qCcap5AZMCLX9evLs3T/8weGQfeClYVlA/JZuqe+Msm9m/aN0745C/EN6bDNivkn
      RBMDbiBzEnGN8nK9PH5Y+Lqn0nbSPZwZho0h8tzyojPE1vw7o6FtsjxrqM2YZLRH
      IeJYZo5OV8LDL90WHxbaJNWv4k0W0R+xoRmhKQsC0HYmTDrsVggO8C/mQbIdSggh
      45JumsU2isY30V6qLDxxMFYdBPo67MLd/HvqB5SeeM61M2aHQjfXqX6Oo2UDDZ79
      WEYc2T9PCmIp1zTXNcpMd/V8U5TGYyc+UVqihhKD2QKBgQDzcYUMMuohFCpnfuR9
      Mvbj3Nr7yUDMb95hvFSVwMdrtHtrs6Xi/yABwSe1L4HecMRxCaar+ttvNmIWO0yK
      lS0S+qNgUwZRONP0zwFiyNTzqlQNWHWOfywxH2a/pboQ6wtSOEtK0utxsFmXDNyi
      FjlgnRcqp7RTPpLtXWZgfvfSQwKBgQDnR3EaVMPl0qbb4lUmGSOhEtpbyWh3AHCL
      FcZ+pNIFwcr15HKP/dB9c3Nmcq5QIhF2I1Gk0oaA3piEYN68oobOyRlK/HDsuEUy
      wngqw1mODaDyJdX8Bm8//TS8Bnk4R3RVZ4t/0Q3NdZh3sp2ZS8eWQkVB/ZiGTmiB
      vXCnHGTl+QKBgQCywPZK4M/d/iqs2BX6gIOdCTyaiUpVUwddiKYrV+SWh23gxYbX
      STI9V5FKj1my9eaogceqnIaoAKzBWkV3tNXmC7gPMKeA2FN6fM2ttX34dWdGbV/U
      hDj00PPnYU9gwNYNR1yx0nIjhrQiH8WaFuuGr5KlNYNJZLcKJ/zWeiSKdQKBgBmZ
      aMV3WG+Zz2pLNQ2QfscXZR//vRZe8BYVBPGDoNOOTb7F2IBjoa4hF0bhrrWj77bZ
      1fGec9DT0qHkbwMGIlHFJI2OP5mUE+S4bcCd+s2kaIok8fiBZdL5XdrqBITcM944
      JdKx+wsg1w14scUEBEV3dF8HiNhk2WBy7YMxu2FRAoGBAPD7vYT/9Whp5SBa2U4I
      tZ8JVKW/7q+PxgQuSjXrKjFRoSL41SrFGJghxMEfIW0F5Faj70OIEH6tm7oI70BT
      say7FQIbmvopZ6dtZiGkOklpgJ0wg2HGIBEVWlLQpg0DYSKekIi7ZhhSB++I8uP+
      Wq031cPY1aNk6krrpBFodXlS
      -----END PRIVATE KEY-----
    EOT
  }
  token = { access_token = "ghs_made-up-token-1" }

  answer {
    status = 401
    json   = { message = "Bad credentials" }
  }
  expect {
    class = "credentials"
  }
}

test "a revocation" {
  upstream  = "github_app"
  operation = "revoke"
  attributes = {
    app_id          = "Iv23made-up"
    installation_id = "4711"
    private_key     = <<-EOT
      -----BEGIN PRIVATE KEY-----
      MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDb718YDjDSLBoL
      x1VKnfbIwh7yfBgpQLWo0FdS3SHAGQtgXV2DMuHi3PkAOvX/uVdZpezUafkqesEo
      4BCxySKHb2v5QmUvpyyMCwkUsOYdyDtLT78zdScwgsRBfhG2U1wsEDyELgngr5SA
      f/eWQ/AZ3p0HYuZtSD8U4kQDeQJFDFdjeU6NaC2utu1OnW4cftOHs57zNeB81yQQ
      k/tXWDGTaVvC3tU5NHSc0TKIMvxM1a4zZzlNq5uPBTCTu8m+YPojk+QqsUXqhED5
      u5BJMTQo1k3++SwhGIMGk7u7FS5z8OXgtUFP9jEt121BVjBeXgruFNywNwyujTYg
      EvGkTXIrAgMBAAECggEAE5tW5GubcZkp50PpeCH19rbLkH18n+zbZQXRyxrYn+n7
      qCcap5AZMCLX9evLs3T/8weGQfeClYVlA/JZuqe+Msm9m/aN0745C/EN6bDNivkn
      RBMDbiBzEnGN8nK9PH5Y+Lqn0nbSPZwZho0h8tzyojPE1vw7o6FtsjxrqM2YZLRH
      IeJYZo5OV8LDL90WHxbaJNWv4k0W0R+xoRmhKQsC0HYmTDrsVggO8C/mQbIdSggh
      45JumsU2isY30V6qLDxxMFYdBPo67MLd/HvqB5SeeM61M2aHQjfXqX6Oo2UDDZ79
      WEYc2T9PCmIp1zTXNcpMd/V8U5TGYyc+UVqihhKD2QKBgQDzcYUMMuohFCpnfuR9
      Mvbj3Nr7yUDMb95hvFSVwMdrtHtrs6Xi/yABwSe1L4HecMRxCaar+ttvNmIWO0yK
      lS0S+qNgUwZRONP0zwFiyNTzqlQNWHWOfywxH2a/pboQ6wtSOEtK0utxsFmXDNyi
      FjlgnRcqp7RTPpLtXWZgfvfSQwKBgQDnR3EaVMPl0qbb4lUmGSOhEtpbyWh3AHCL
      FcZ+pNIFwcr15HKP/dB9c3Nmcq5QIhF2I1Gk0oaA3piEYN68oobOyRlK/HDsuEUy
      wngqw1mODaDyJdX8Bm8//TS8Bnk4R3RVZ4t/0Q3NdZh3sp2ZS8eWQkVB/ZiGTmiB
      vXCnHGTl+QKBgQCywPZK4M/d/iqs2BX6gIOdCTyaiUpVUwddiKYrV+SWh23gxYbX
      STI9V5FKj1my9eaogceqnIaoAKzBWkV3tNXmC7gPMKeA2FN6fM2ttX34dWdGbV/U
      hDj00PPnYU9gwNYNR1yx0nIjhrQiH8WaFuuGr5KlNYNJZLcKJ/zWeiSKdQKBgBmZ
      aMV3WG+Zz2pLNQ2QfscXZR//vRZe8BYVBPGDoNOOTb7F2IBjoa4hF0bhrrWj77bZ
      1fGec9DT0qHkbwMGIlHFJI2OP5mUE+S4bcCd+s2kaIok8fiBZdL5XdrqBITcM944
      JdKx+wsg1w14scUEBEV3dF8HiNhk2WBy7YMxu2FRAoGBAPD7vYT/9Whp5SBa2U4I
      tZ8JVKW/7q+PxgQuSjXrKjFRoSL41SrFGJghxMEfIW0F5Faj70OIEH6tm7oI70BT
      say7FQIbmvopZ6dtZiGkOklpgJ0wg2HGIBEVWlLQpg0DYSKekIi7ZhhSB++I8uP+
      Wq031cPY1aNk6krrpBFodXlS
      -----END PRIVATE KEY-----
    EOT
  }
  token = { access_token = "ghs_made-up-token-1" }

  answer {
    status = 204
  }
  expect {
    request = {
      method = "DELETE"
      path   = "/installation/token"
      header = {
        Accept               = "application/vnd.github+json"
        X-GitHub-Api-Version = "2022-11-28"
        Authorization        = "Bearer ghs_made-up-token-1"
      }
    }
  }
}
