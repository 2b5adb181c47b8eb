namespace CertAuthority.Hosting;

/// <summary>The daemon cannot start. The message says why and what to do.</summary>
internal sealed class StartException(string message, Exception? inner = null) : Exception(message, inner);
