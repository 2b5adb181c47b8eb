namespace CertAuthority.Protocol;

/// <summary>Reads the metrics. The reply is text.</summary>
public sealed record GetMetrics;

/// <summary>Asks whether the daemon answers.</summary>
public sealed record GetLiveness;

/// <summary>Asks whether the daemon could issue a certificate now. If not, the reply is a problem.</summary>
public sealed record GetReadiness;

/// <summary>The state that was asked for.</summary>
/// <param name="State"><c>live</c> or <c>ready</c>.</param>
public sealed record HealthState(string State)
{
    /// <summary>The daemon answers.</summary>
    public const string Live = "live";

    /// <summary>The daemon could issue a certificate.</summary>
    public const string Ready = "ready";
}
