namespace CertAuthority.Linux;

/// <summary>Thrown if the system did not answer a lookup of an account or group in time.</summary>
public sealed class NameServiceException(string message) : Exception(message);
