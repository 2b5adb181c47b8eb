using CertAuthority.Operations;

namespace CertAuthority.Api;

/// <summary>What a call runs under: taken once at its start, so that a change of the configuration changes none halfway.</summary>
/// <param name="Ca">What operations work on.</param>
/// <param name="Callers">Who is who.</param>
internal sealed record Serving(Ca Ca, Callers Callers);
