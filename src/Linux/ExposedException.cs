namespace CertAuthority.Linux;

/// <summary>A file or folder that must be private is not. The message names it and what to run.</summary>
public sealed class ExposedException(string message) : Exception(message);
