"""Three custom training loops in PyTorch."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import cross_entropy

from models.loops import PENALTY, RATE


def accumulation(model, groups):
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    losses = []
    for group in groups:
        optimizer.zero_grad()
        for inputs, labels in group:
            loss = cross_entropy(model(inputs), labels) / len(group)
            loss.backward()
            losses.append(loss.item())
        optimizer.step()
    return losses


def gan(generator, discriminator, batches):
    generator_optimizer = torch.optim.SGD(generator.parameters(), RATE)
    discriminator_optimizer = torch.optim.SGD(discriminator.parameters(), RATE)
    losses = []
    for real, noise in batches:
        fake = generator(noise)
        real_scores, fake_scores = discriminator(real), discriminator(fake.detach())
        real_loss = bce(real_scores, torch.ones_like(real_scores))
        discriminator_loss = real_loss + bce(fake_scores, torch.zeros_like(fake_scores))
        discriminator_optimizer.zero_grad()
        discriminator_loss.backward()
        discriminator_optimizer.step()
        scores = discriminator(fake)
        generator_loss = bce(scores, torch.ones_like(scores))
        generator_optimizer.zero_grad()
        generator_loss.backward()
        generator_optimizer.step()
        losses += [discriminator_loss.item(), generator_loss.item()]
    return losses


def gradient_penalty(critic, batches):
    optimizer = torch.optim.SGD(critic.parameters(), RATE)
    losses = []
    for real, fake, mix in batches:
        between = (mix * real + (1 - mix) * fake).requires_grad_()
        (slopes,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        penalty = ((slopes.norm(dim=1) - 1) ** 2).mean()
        loss = critic(fake).mean() - critic(real).mean() + PENALTY * penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
