using CertAuthority.Ui.Serving;
using Microsoft.AspNetCore.Components;

namespace CertAuthority.Ui.Pages;

/// <summary>A tab at the top of the page.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Name">Its name.</param>
public sealed record Tab(string Path, string Name);

/// <summary>What is around every page.</summary>
public sealed record Frame
{
    /// <summary>The title of the page.</summary>
    public required string Title { get; init; }

    /// <summary>The path of its tab.</summary>
    public required string At { get; init; }

    /// <summary>All tabs.</summary>
    public required IReadOnlyList<Tab> Tabs { get; init; }

    /// <summary>Its content.</summary>
    public required RenderFragment Body { get; init; }

    /// <summary>The command that shows or does the same; null for none.</summary>
    public string? Command { get; init; }

    /// <summary>What it shows, as <c>/live</c> compares it; null for a page that does not change by itself.</summary>
    public string? Live { get; init; }

    /// <summary>The program that serves it.</summary>
    public required string Program { get; init; }

    /// <summary>As whom it acts.</summary>
    public required string Who { get; init; }

    /// <summary>How many requests wait for this person.</summary>
    public required string Waiting { get; init; }

    /// <summary>Messages.</summary>
    public required IReadOnlyList<Said> Said { get; init; }
}

/// <summary>What the page shows to a browser that has not presented the token.</summary>
/// <param name="Program">The program that serves it.</param>
/// <param name="IsUsed">Whether the token has been used.</param>
/// <param name="IsWrong">Whether what was presented is not the token.</param>
public sealed record EnterModel(string Program, bool IsUsed, bool IsWrong = false);
