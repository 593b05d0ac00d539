"""Asks one of torch's schedules for the rate."""

import torch


def linear_decay(step, *, lr, final_lr, total_steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, final_lr / lr, total_steps)
    schedule.last_epoch = step
    return schedule._get_closed_form_lr()[0]
