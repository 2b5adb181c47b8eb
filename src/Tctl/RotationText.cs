using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Rotations of CA keys in words.</summary>
internal static class RotationText
{
    /// <summary>Returns a rotation as one line of <c>tctl status</c>.</summary>
    public static string Line(KeyRotation one) =>
        $"rotation of the {one.Key} CA key: {one.Step} since {Wording.Time(one.Since)}{(one.Obstacle is { } why ? $"; {why}" : "; it can go on")}";

    /// <summary>Returns everything about a rotation.</summary>
    public static IEnumerable<string> Lines(KeyRotation one)
    {
        yield return $"{one.Key} CA key: {Meaning(one.Step)}, since {Wording.Time(one.Since)}";
        yield return $"  old:  {one.Old}";
        yield return $"  next: {one.Next}";
        foreach (var host in one.Unconfirmed)
            yield return $"  not confirmed: {host.Name}: {host.Why}";
        if (one.UnconfirmedCount > one.Unconfirmed.Length)
            yield return $"  not confirmed: and {Wording.Count(one.UnconfirmedCount - one.Unconfirmed.Length, "other host")}";
        if (one.Abandoned is [_, ..] left)
            yield return $"  left behind: {string.Join(", ", left)}";
        if (one.Fault is { } fault && fault != one.Obstacle)
            yield return $"  not as it should be: {fault}";
        if (one.Scheduled is { } from)
            yield return $"  goes on by itself from {Wording.Time(from)}";
        yield return one.Obstacle is { } why ? $"  waits: {why}" : $"  can go on: {NextStepText.Rotate(one.Key)}";
    }

    private static string Meaning(string step) => step switch
    {
        "prepared" => "prepared: the next key is trusted, the old one signs",
        "switched" => "switched: the next key signs, the old one is trusted",
        "retiring" => "retiring: the old key is trusted no longer",
        _ => step,
    };
}
