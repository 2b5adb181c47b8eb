namespace CertAuthority.Linux;

/// <summary>The system did not say in time which account or group is which.</summary>
public sealed class NameServiceException(string message) : Exception(message);
