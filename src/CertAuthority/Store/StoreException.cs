namespace CertAuthority.Store;

/// <summary>The database cannot be used. The message says why and what to do.</summary>
internal sealed class StoreException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Another daemon works on the database now. This one must stop: what it keeps in memory can be older than what the other one wrote.
/// </summary>
internal sealed class TakenOverException(string message) : Exception(message);
