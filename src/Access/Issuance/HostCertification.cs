using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>
/// Permission to sign one host certificate. Only <see cref="HostCertification"/> makes one, and the signer takes nothing else for hosts.
/// </summary>
public sealed class HostGrant
{
    internal HostGrant(Node node, ImmutableArray<string> principals, Validity validity) =>
        (Node, Principals, Validity) = (node, principals, validity);

    /// <summary>Whose it is.</summary>
    public Node Node { get; }

    /// <summary>What people type for the host: the node's name, and the host of its address where that is another.</summary>
    public ImmutableArray<string> Principals { get; }

    /// <summary>Valid when.</summary>
    public Validity Validity { get; }
}

/// <summary>What a host certificate says.</summary>
public static class HostCertification
{
    /// <summary>How long it lives where nobody says.</summary>
    public static readonly TimeSpan Default = TimeSpan.FromDays(30);

    /// <summary>How long it lives at most.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(366);

    /// <summary>The certificate of a node, or why there is none.</summary>
    /// <param name="node">The node.</param>
    /// <param name="locks">What is locked: nobody is to take a locked host for one that may be entered.</param>
    /// <param name="now">The instant of issue; whole seconds.</param>
    /// <param name="wish">The lifetime asked for, or null.</param>
    public static Outcome<HostGrant> Decide(Node node, LocksInForce locks, DateTimeOffset now, TimeSpan? wish)
    {
        if (Durations.Beyond("ttl", wish, Longest) is { } refusal)
            return refusal;
        if (locks.On(LockKind.Node, node.Name) is { } locked)
            return locked.Refusal;
        return new HostGrant(
            node,
            PrincipalsOf(node),
            new Validity(now - Validity.ClockSkew, now + (wish ?? Default), wish is null ? "the default" : "the requested ttl"));
    }

    /// <summary>Whether one is to be renewed: in the last third of its life, and when the node's address has changed.</summary>
    /// <param name="node">The node as it is now.</param>
    /// <param name="principals">What the certificate vouches for.</param>
    /// <param name="issued">When it was issued.</param>
    /// <param name="validBefore">When it ends.</param>
    /// <param name="now">The instant of the question.</param>
    public static bool IsDue(
        Node node, ImmutableArray<string> principals, DateTimeOffset issued, DateTimeOffset validBefore, DateTimeOffset now) =>
        validBefore - now < (validBefore - issued) / 3 || !principals.SequenceEqual(PrincipalsOf(node));

    // The port stands in no principal: ssh compares the host only.
    private static ImmutableArray<string> PrincipalsOf(Node node) =>
        node.Endpoint?.Host is { } host && host != node.Name ? [node.Name, host] : [node.Name];
}
