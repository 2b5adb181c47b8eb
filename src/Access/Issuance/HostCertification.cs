using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>
/// Permission to sign one host certificate. Only <see cref="HostCertification"/> creates one, and the signer accepts nothing else for
/// hosts.
/// </summary>
public sealed class HostGrant
{
    internal HostGrant(Node node, ImmutableArray<string> principals, Validity validity) =>
        (Node, Principals, Validity) = (node, principals, validity);

    /// <summary>The node that the certificate is for.</summary>
    public Node Node { get; }

    /// <summary>The names that people type for the host: the node's name, and the host part of its address if that differs.</summary>
    public ImmutableArray<string> Principals { get; }

    /// <summary>The validity of the certificate.</summary>
    public Validity Validity { get; }
}

/// <summary>Decides the content of host certificates.</summary>
public static class HostCertification
{
    /// <summary>The lifetime of a host certificate if none is requested: 30 days.</summary>
    public static readonly TimeSpan Default = TimeSpan.FromDays(30);

    /// <summary>The longest lifetime of a host certificate: 366 days.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(366);

    /// <summary>Decides the certificate of a node, or why there is none.</summary>
    /// <param name="node">The node.</param>
    /// <param name="locks">What is locked: a locked host gets no certificate that tells people they may enter it.</param>
    /// <param name="now">The instant of issue; whole seconds.</param>
    /// <param name="wish">The requested lifetime; null for none.</param>
    public static Outcome<HostGrant> Decide(Node node, LocksInForce locks, DateTimeOffset now, TimeSpan? wish)
    {
        if (Durations.Beyond("ttl", wish, Longest) is { } refusal)
            return refusal;
        if (locks.On(LockKind.Node, node.Name) is { } locked)
            return locked.Refusal;
        if (node.IsOver(now))
            return node.Ended;
        return new HostGrant(
            node,
            PrincipalsOf(node),
            new Validity(now - Validity.ClockSkew, now + (wish ?? Default), wish is null ? "the default" : "the requested ttl"));
    }

    /// <summary>Whether a certificate must be renewed: in the last third of its lifetime, or if the node's address has changed.</summary>
    /// <param name="node">The node as it is now.</param>
    /// <param name="principals">The principals of the current certificate.</param>
    /// <param name="issued">When the current certificate was issued.</param>
    /// <param name="validBefore">When the current certificate expires.</param>
    /// <param name="now">The instant of the check.</param>
    public static bool IsDue(
        Node node, ImmutableArray<string> principals, DateTimeOffset issued, DateTimeOffset validBefore, DateTimeOffset now) =>
        validBefore - now < (validBefore - issued) / 3 || !principals.SequenceEqual(PrincipalsOf(node));

    // Principals contain no port, because ssh compares only the host.
    private static ImmutableArray<string> PrincipalsOf(Node node) =>
        node.Endpoint?.Host is { } host && host != node.Name ? [node.Name, host] : [node.Name];
}
