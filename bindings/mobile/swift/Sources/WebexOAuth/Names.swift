// The generated types that this library's own API uses. Those that only a driver needs stay in WebexOAuthCore.
//
// Times in them are milliseconds since the Unix epoch; `Scope` is text, its tokens sorted and separated by spaces.

import WebexOAuthCore

public typealias CallbackIgnored = WebexOAuthCore.CallbackIgnored
public typealias ClientAuth = WebexOAuthCore.ClientAuth
public typealias Config = WebexOAuthCore.Config
public typealias ConfigError = WebexOAuthCore.ConfigError
public typealias ConfigParts = WebexOAuthCore.ConfigParts
public typealias DevicePrompt = WebexOAuthCore.DevicePrompt
public typealias DownscopeFailure = WebexOAuthCore.DownscopeFailure
public typealias Event = WebexOAuthCore.Event
public typealias Fault = WebexOAuthCore.Fault
public typealias Flow = WebexOAuthCore.Flow
public typealias GuestJwt = WebexOAuthCore.GuestJwt
public typealias JwtError = WebexOAuthCore.JwtError
public typealias Lifetime = WebexOAuthCore.Lifetime
public typealias LoginState = WebexOAuthCore.LoginState
public typealias LogoutVia = WebexOAuthCore.LogoutVia
public typealias MisuseError = WebexOAuthCore.MisuseError
public typealias Parameter = WebexOAuthCore.Parameter
public typealias Phase = WebexOAuthCore.Phase
public typealias Provider = WebexOAuthCore.Provider
public typealias Renewal = WebexOAuthCore.Renewal
public typealias ResponseMode = WebexOAuthCore.ResponseMode
public typealias RestoreError = WebexOAuthCore.RestoreError
public typealias Scope = WebexOAuthCore.Scope
public typealias Secret = WebexOAuthCore.Secret
public typealias SendFault = WebexOAuthCore.SendFault
public typealias Service = WebexOAuthCore.Service
public typealias Services = WebexOAuthCore.Services
public typealias SignInReason = WebexOAuthCore.SignInReason
public typealias SignedOutReason = WebexOAuthCore.SignedOutReason
public typealias Status = WebexOAuthCore.Status
public typealias TokenAsk = WebexOAuthCore.TokenAsk
public typealias TokenSet = WebexOAuthCore.TokenSet
public typealias Via = WebexOAuthCore.Via
