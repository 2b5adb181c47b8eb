namespace CertAuthority.Linux;

/// <summary>The system did not say in time which account or group is which.</summary>
internal sealed class NameServiceException(string message) : Exception(message);
