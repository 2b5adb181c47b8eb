namespace CertAuthority.Auditing;

/// <summary>How the checkpoint that a host kept relates to the audit.</summary>
internal enum Witness
{
    /// <summary>The audit begins with what the host witnessed.</summary>
    Agrees,

    /// <summary>The audit does not begin with that: a fault of the audit.</summary>
    Contradicts,

    /// <summary>It is of another log: of one before a restore, or before an accepted fault.</summary>
    OtherLog,

    /// <summary>It is malformed, or another key signed it.</summary>
    Unknown,
}
